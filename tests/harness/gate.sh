# shellcheck shell=bash disable=SC2154
# Come to a gate, and wait until it opens: $port of $host, or of this container's own gateway.
if [ -z "$host" ]; then
  while read -r _ to via _; do [ "$to" = 00000000 ] && break; done </proc/net/route
  host=$((16#${via:6:2})).$((16#${via:4:2})).$((16#${via:2:2})).$((16#${via:0:2}))
fi
exec 3<>"/dev/tcp/$host/$port"
read -r _ <&3
exec 3>&-
