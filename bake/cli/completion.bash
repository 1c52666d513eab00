_desktop_bake_environments() { _desktop_bake_first env list "$1"; }
_desktop_bake_tasks() { _desktop_bake_first ps "$1"; }
_desktop_bake_first() { # the first column of a table that begins with the last word
  local id quoted begin=${*: -1}
  while IFS= read -r id; do
    printf -v quoted %q "$id"
    if [[ $id == "$begin"* || $quoted == "$begin"* ]]; then printf '%s\n' "$quoted"; fi
  done < <(desktop-bake "${@:1:$#-1}" 2>/dev/null | sed '1d; s/  .*//')
}
