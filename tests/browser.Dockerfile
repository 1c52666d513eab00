# A real browser for tests, from the packages of the base (Debian): nothing of it is installed on the machine.
# They are unpacked, not installed, and not those for a desktop or a GPU: what is not asked for takes most of the time.
ARG BASE=base
FROM ${BASE}
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    set -e; apt-get -q update; \
    words="install -y --no-install-recommends chromium chromium-driver fonts-dejavu-core"; \
    mkdir -p /tmp/none/partial; \
    files=$(apt-get -qq --print-uris -o Dir::Cache::archives=/tmp/none $words | cut -d' ' -f2 \
      | grep -vE '^(adwaita|libgl1-mesa-dri|libllvm|libz3|systemd)'); \
    apt-get -q --download-only -o APT::Keep-Downloaded-Packages=true $words; \
    cd /var/cache/apt/archives; \
    echo "$files" | xargs -n 1 -P 2 sh -c 'dpkg-deb --fsys-tarfile "$1" | tar -x -C / --keep-directory-symlink \
      --exclude=./usr/share/doc/* --exclude=./usr/share/man/* --exclude=./usr/share/locale/* --exclude=./usr/share/icons/*' unpack; \
    ldconfig
