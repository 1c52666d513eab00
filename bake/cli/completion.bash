_desktop_bake_environments() {
  local id quoted
  while IFS= read -r id; do
    printf -v quoted %q "$id"
    if [[ $id == "$1"* || $quoted == "$1"* ]]; then printf '%s\n' "$quoted"; fi
  done < <(desktop-bake env list 2>/dev/null | sed '1d; s/  .*//')
}
