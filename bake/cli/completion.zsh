_desktop_bake_environments() {
  local -a ids; ids=(${(f)"$(desktop-bake env list -q 2>/dev/null)"}); compadd -a ids
}
_desktop_bake_tasks() {
  local -a ids; ids=(${(f)"$(desktop-bake ps -q 2>/dev/null)"}); compadd -a ids
}
_desktop_bake_places() {
  local -a ids; ids=(${(f)"$(desktop-bake ps -q 2>/dev/null)"}); compadd -S : -a ids; _files
}
