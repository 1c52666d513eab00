# `base` is a named context: what the layer lies on, which is another layer, the desktop, or the base image by digest.
# A layer has packages, whose names stand in the bake file, or a script with its files, or both. Each step runs what the
# bake file names by digest, or nothing, whatever SHELL and PATH the base has. Nothing of it lies in /tmp, which a script may
# empty.
ARG DESKTOP_BAKE_PACKAGES

# Packages: a step that a change of the script does not touch, and that is left out if there are none. Downloads stay in
# the desktop's cache mounts.
FROM base AS base-with-packages
ARG DESKTOP_BAKE_BASE
ARG DESKTOP_BAKE_PACKAGES
ARG DESKTOP_BAKE_SHA256_PACKAGES
RUN --mount=type=bind,source=layer_packages.sh,target=/run/desktop-bake/layer_packages.sh \
    --mount=type=cache,id=desktop-bake-apt-$DESKTOP_BAKE_BASE,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,id=desktop-bake-lists-$DESKTOP_BAKE_BASE,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=cache,id=desktop-bake-pacman-$DESKTOP_BAKE_BASE,target=/var/cache/pacman/pkg,sharing=locked \
    ["/bin/sh", "-ec", "export PATH=\"${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"; \
    fail() { echo \"[layer] $*\" >&2; exit 1; }; \
    for tool in bash sha256sum; do command -v $tool >/dev/null || fail \"unsupported base: it has no $tool; install it in the base\"; done; \
    same() { [ \"$(sha256sum <\"/run/desktop-bake/$1\")\" = \"$2  -\" ] || fail \"$1 was changed after it was rendered; run desktop-bake render\"; }; \
    same layer_packages.sh \"$DESKTOP_BAKE_SHA256_PACKAGES\"; \
    DESKTOP_KEEP_DOWNLOADS=1 exec bash /run/desktop-bake/layer_packages.sh $DESKTOP_BAKE_PACKAGES"]

# The script runs as the image's user in a folder that holds its files, and that is gone when it ends. One digest is of
# all files: of a line for each, as sha256sum prints it, and a line for each that is executable. The last step verifies
# this file, too.
FROM base${DESKTOP_BAKE_PACKAGES:+-with-packages} AS layer
ARG DESKTOP_BAKE_SHA256_DOCKERFILE
ARG DESKTOP_BAKE_SHA256_LAYER
ARG DESKTOP_BAKE_SHA256_FILES
RUN --mount=type=bind,target=/run/desktop-bake \
    ["/bin/sh", "-ec", "export PATH=\"${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"; \
    fail() { echo \"[layer] $*\" >&2; exit 1; }; \
    command -v sha256sum >/dev/null || fail \"unsupported base: it has no sha256sum; install it in the base\"; \
    check() { [ \"$2\" = \"$3  -\" ] || fail \"$1 was changed after it was rendered; run desktop-bake render\"; }; \
    check 'the Dockerfile' \"$(sha256sum </run/desktop-bake/Dockerfile)\" \"$DESKTOP_BAKE_SHA256_DOCKERFILE\"; \
    [ -n \"${DESKTOP_BAKE_SHA256_LAYER:-}\" ] || exit 0; \
    check layer.sh \"$(sha256sum </run/desktop-bake/layer.sh)\" \"$DESKTOP_BAKE_SHA256_LAYER\"; \
    work=/tmp/desktop-bake-layer; mkdir \"$work\"; \
    if [ -n \"${DESKTOP_BAKE_SHA256_FILES:-}\" ]; then \
    cd /run/desktop-bake/files; \
    check 'a file of the layer' \"$(export LC_ALL=C; { find . ! -type d -exec sha256sum {} + | sort; find . ! -type d -perm -100 | sort; } | sha256sum)\" \"$DESKTOP_BAKE_SHA256_FILES\"; \
    cp -R . \"$work\"; fi; \
    cp /run/desktop-bake/layer.sh \"$work\"; cd \"$work\"; \
    status=0; \"$(command -v bash || command -v sh)\" ./layer.sh || status=$?; \
    cd /; rm -rf \"$work\" 2>/dev/null || sudo -n rm -rf \"$work\"; \
    [ -d /tmp ] || fail \"the script removed /tmp, which programs need; empty it by rm -rf /tmp/*\"; exit $status"]
