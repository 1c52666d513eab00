function _desktop_bake_environments
  desktop-bake env list 2>/dev/null | sed '1d; s/  .*//'
end
function _desktop_bake_tasks
  desktop-bake ps 2>/dev/null | sed '1d; s/  .*//'
end
