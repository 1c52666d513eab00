function _desktop_bake_environments
  desktop-bake env list -q 2>/dev/null
end
function _desktop_bake_tasks
  desktop-bake ps -q 2>/dev/null
end
function _desktop_bake_places
  desktop-bake ps -q 2>/dev/null | sed 's/$/:/'
  __fish_complete_path (commandline -ct)
end
