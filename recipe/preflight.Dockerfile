# `base` is a named context: the baked desktop, or the base image pinned by digest.
FROM base

# The step runs what the bake file names by digest, or nothing, whatever SHELL and PATH the base has. Nothing of it lies in
# /tmp, which a script may empty.
ARG DESKTOP_BAKE_SHA256_DOCKERFILE
ARG DESKTOP_BAKE_SHA256_PREFLIGHT
RUN --mount=type=bind,source=Dockerfile,target=/run/desktop-bake/Dockerfile \
    --mount=type=bind,source=preflight.sh,target=/run/desktop-bake/preflight.sh \
    ["/bin/sh", "-ec", "export PATH=\"${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"; \
    fail() { echo \"[desktop] $*\" >&2; exit 1; }; \
    command -v sha256sum >/dev/null || fail \"unsupported base: it has no sha256sum; install it in the base\"; \
    same() { [ \"$(sha256sum <\"/run/desktop-bake/$1\")\" = \"$2  -\" ] || fail \"$1 was changed after it was rendered; run desktop-bake render\"; }; \
    same Dockerfile \"$DESKTOP_BAKE_SHA256_DOCKERFILE\"; \
    same preflight.sh \"$DESKTOP_BAKE_SHA256_PREFLIGHT\"; \
    shell=$(command -v bash || command -v sh); \"$shell\" /run/desktop-bake/preflight.sh; \
    [ -d /tmp ] || fail \"the script removed /tmp, which programs need; empty it by rm -rf /tmp/*\""]
