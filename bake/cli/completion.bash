_desktop_bake_environments() { _desktop_bake_names "$1" env list; }
_desktop_bake_tasks() { _desktop_bake_names "$1" ps; }
_desktop_bake_places() {
  _desktop_bake_names "$1" ps | sed 's/$/:/'
  compgen -f -- "$1"
}
_desktop_bake_names() { # what a command names, if it begins with the word
  local name quoted begin=$1
  while IFS= read -r name; do
    printf -v quoted %q "$name"
    if [[ $name == "$begin"* || $quoted == "$begin"* ]]; then printf '%s\n' "$quoted"; fi
  done < <(desktop-bake "${@:2}" -q 2>/dev/null)
}
_desktop_bake() {
  _shtab_desktop_bake
  if [[ ${COMPREPLY[0]-} == *: ]]; then compopt -o nospace 2>/dev/null; fi
  return 0
}
