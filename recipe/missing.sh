#!/bin/sh
# Which targets are not published yet, by the labels of what lies under their keys: needs docker with buildx alone.
# missing.sh [--matrix] [--runner PLATFORM=LABEL]... [--unreachable error|missing] [TARGET...]
set -eu

usage() {
  cat <<'END'
missing.sh [OPTION]... [TARGET...]

Prints each target, of these targets and groups or of all, whose image the registry does not have yet. An image
counts if its labels prove its key on every platform of the target; a tag alone does not.

  --matrix                    print a matrix for native runners instead, as JSON: target, platform, runner, tags
  --runner PLATFORM=LABEL     the runner of a platform (linux/amd64=ubuntu-24.04, linux/arm64=ubuntu-24.04-arm);
                              a target without platforms takes that of the first
  --unreachable missing       a registry that cannot be asked has nothing, instead of being an error

Exit status: 0, whether something is missing or not; 1 if the registry cannot be asked; 2 for wrong usage.
DESKTOP_BAKE_REPOSITORY and the other variables of the bake file count here, too.
END
}

fail() {
  printf 'missing.sh: %s\n' "$2" >&2
  exit "$1"
}

# Of the JSON that bake prints: with a name, the labels of that target, each as it stands there; without, the name, the
# tag of the key, the platforms and all tags of each target that is asked for.
read_plan() {
  awk -v wanted="${1-}" '
    function text(line) { gsub(/^ *"|",?$/, "", line); return line }
    /^  "group": / { top = "group" }
    /^  "target": / { top = "target" }
    /^    "/ { name = $1; gsub(/[":]/, "", name); if (top == "target") names[++count] = name }
    /^      "/ { part = $1; gsub(/[":]/, "", part); if ($0 !~ /[[{]$/) part = "" }
    /^        "/ && part != "" {
      if (top == "group") members[name] = members[name] " " text($0)
      else if (part == "tags") tags[name] = tags[name] " " text($0)
      else if (part == "platforms") platforms[name] = platforms[name] "," text($0)
      else if (part == "labels" && /^        "(desktop-bake\.|org\.opencontainers\.image\.base\.)/) {
        label = $0; sub(/^ */, "", label); sub(/,$/, "", label)
        if (name == wanted) print label
        if ($1 == "\"desktop-bake.cache-key\":") { key[name] = text($2) }
      }
    }
    function ask(what, i, n, list) {
      if (what in asked) return
      asked[what] = 1
      n = split(members[what], list, " ")
      for (i = 1; i <= n; i++) if (list[i] != what || !(what in key)) ask(list[i])
    }
    END {
      if (wanted != "") exit
      ask("default")
      for (i = 1; i <= count; i++) {
        name = names[i]
        if (!(name in asked) || !(name in key)) continue
        n = split(tags[name], list, " ")
        image = ""
        for (j = 1; j <= n; j++) if (substr(list[j], length(list[j]) - length(key[name])) == ":" key[name]) image = list[j]
        print name "\t" image "\t" (platforms[name] == "" ? "-" : substr(platforms[name], 2)) "\t" substr(tags[name], 2)
      }
    }'
}

# Every label of an image with its platform before it: `linux/amd64 "name": "value"`; several platforms are a map.
# shellcheck disable=SC2016 # $p and the others are the template's
LABELS='{{define "of"}}{{$p := printf "%s/%s" .OS .Architecture}}{{with .Variant}}{{$p = printf "%s/%s" $p .}}{{end -}}
{{range $n, $v := .Config.Labels}}{{$p}} {{json $n}}: {{json $v}}
{{end}}{{$p}}
{{end -}}
{{if eq (printf "%T" .Image) "*v1.Image"}}{{template "of" .Image}}{{else}}{{range .Image}}{{template "of" .}}{{end}}{{end}}'

# Whether an image is published: is_published TARGET IMAGE PLATFORMS
is_published() {
  if ! found=$(docker buildx imagetools inspect --format "$LABELS" "$2" 2>&1); then
    case $found in
      *": not found") return 1 ;;
    esac
    [ "$unreachable" = error ] || return 1
    fail 1 "cannot ask the registry for $2: $(printf '%s\n' "$found" | tail -n 1)
  check the network and docker login, or build without asking: --unreachable missing"
  fi
  there=$(printf '%s\n' "$found" | grep -v '"' | sort -u)
  case $3 in
    -) for_platforms=$there ;;
    *) for_platforms=$(printf '%s\n' "$3" | tr ',' '\n') ;;
  esac
  [ -n "$for_platforms" ] || return 1
  labels=$(printf '%s\n' "$plan" | read_plan "$1")
  for platform in $for_platforms; do
    while IFS= read -r label; do
      printf '%s\n' "$found" | grep -qxF -- "$platform $label" || return 1
    done <<END
$labels
END
  done
}

runner_of() {
  for pair in $runners; do
    case $1 in
      - | "${pair%%=*}") printf '%s' "${pair#*=}" && return ;;
    esac
  done
  fail 2 "no runner for $1: name it by --runner $1=LABEL"
}

matrix=
unreachable=error
runners=
while [ $# -gt 0 ]; do
  case $1 in
    --matrix) matrix=yes ;;
    --runner)
      case ${2-} in
        *?=?*) runners="$runners $2" && shift ;;
        *) fail 2 "--runner takes PLATFORM=LABEL" ;;
      esac
      ;;
    --unreachable)
      case ${2-} in
        error | missing) unreachable=$2 && shift ;;
        *) fail 2 "--unreachable is error or missing" ;;
      esac
      ;;
    -h | --help) usage && exit ;;
    -*) fail 2 "unknown option $1; see --help" ;;
    *) break ;;
  esac
  shift
done
runners="$runners linux/amd64=ubuntu-24.04 linux/arm64=ubuntu-24.04-arm"

cd "$(dirname "$0")"
export DESKTOP_BAKE_FOLDER=.
plan=$(docker buildx bake -f docker-bake.hcl --print "$@" 2>/dev/null) ||
  fail 2 "docker buildx bake -f docker-bake.hcl --print $* failed: try it"
targets=$(printf '%s\n' "$plan" | read_plan)

rows=
while IFS='	' read -r target image platforms tags; do
  [ -n "$target" ] || continue
  if is_published "$target" "$image" "$platforms"; then
    continue
  fi
  if [ -z "$matrix" ]; then
    printf '%s\n' "$target"
    continue
  fi
  for platform in $(printf '%s\n' "$platforms" | tr ',' ' '); do
    runner=$(runner_of "$platform")
    [ "$platform" != - ] || platform=
    row="{\"target\":\"$target\",\"platform\":\"$platform\",\"runner\":\"$runner\",\"tags\":\"$tags\"}"
    rows=${rows:+$rows,}$row
  done
done <<END
$targets
END
if [ -n "$matrix" ]; then
  printf '{"include":[%s]}\n' "$rows"
fi
