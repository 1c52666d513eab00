_desktop_bake_environments() {
  local -a ids; ids=(${(f)"$(desktop-bake env list 2>/dev/null | sed '1d; s/  .*//')"}); compadd -a ids
}
_desktop_bake_tasks() {
  local -a ids; ids=(${(f)"$(desktop-bake ps 2>/dev/null | sed '1d; s/  .*//')"}); compadd -a ids
}
