// Rendered by desktop-bake from docker-bake.hcl.j2: change desktop-bake.toml or its scripts, not this file.
//
//   docker buildx bake -f docker-bake.hcl                  build every image (--push: publish it)
//   docker buildx bake -f docker-bake.hcl ENVIRONMENT      build what this environment uses
//   docker buildx bake -f docker-bake.hcl desktop-check    start each desktop; pictures are in pictures/
//   docker buildx bake -f docker-bake.hcl --list=targets   list what can be built; --list=variables, what can be set

variable "DESKTOP_BAKE_REPOSITORY" {
  description = "where images and registry caches go"
  default     = "registry.example.com/team/desktop"
}

variable "DESKTOP_BAKE_OUTPUT" {
  description = "how images are exported, such as type=image,compression=zstd,oci-mediatypes=true"
  default     = ""
}

variable "DESKTOP_BAKE_PLATFORMS" {
  description = "build for these platforms alone, such as linux/arm64; several with commas between"
  default     = ""
}

variable "DESKTOP_BAKE_CACHE_SCOPE" {
  description = "whose registry cache is written, such as a branch's"
  default     = "main"
}

variable "DESKTOP_BAKE_FOLDER" {
  description = "the folder of this file, as seen from where Bake is called"
  default     = "."
}

group "default" {
  targets = ["desktop"]
}

group "desktop" {
  targets = [
    "layer-certs-e",
    "desktop-e",
    "layer-browser-e",
    "layer-tools-e",
    "layer-tools-small",
    "preflight-small",
  ]
}

group "e" { targets = ["layer-tools-e"] }
group "small" { targets = ["preflight-small"] }

// docker/metadata-action's bake file, given as a further -f, fills this target; tags stay as they are below
target "docker-metadata-action" {
  description = "what docker/metadata-action adds to every image"
}

target "_desktop" {
  description = "what every image has"
  inherits    = ["docker-metadata-action"]
  platforms   = compact(split(",", replace(DESKTOP_BAKE_PLATFORMS, " ", "")))
  output      = compact([DESKTOP_BAKE_OUTPUT])
  labels = {
    "desktop-bake.schema" = "1"
  }
}

// below: e, small · base lunamidori5/pixelarch:emerald
target "layer-certs-e" {
  description = "layer certs below the layers of e, small"
  inherits    = ["_desktop"]
  context     = "${DESKTOP_BAKE_FOLDER}/context/layer-certs-e"
  contexts    = { base = "docker-image://lunamidori5/pixelarch:emerald@sha256:abababababababababababababababababababababababababababababababab" }
  args = {
    DESKTOP_BAKE_SHA256_DOCKERFILE = "8903db87403d16c9b7999f025d216bf6d3470a5bbe7174d3d36795e1c7b988d6"
    DESKTOP_BAKE_SHA256_LAYER      = "ca0c8c4d1dbf6454f8d250776a66e25f56fabcd737aca081a0a9505e294343b4"
  }
  tags = ["${DESKTOP_BAKE_REPOSITORY}:emerald-abababababababab-lb19c2ba1df160a2e"]
  labels = {
    "desktop-bake.cache-key"               = "emerald-abababababababab-lb19c2ba1df160a2e"
    "desktop-bake.base-digest"             = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.layers"                  = "sha256:5ea476ea8e55596bd0a3b02cf8074d558de8d7d479d442accae81f0e4d3e3d9e"
    "org.opencontainers.image.base.name"   = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  cache-from = [
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-abababababab-l5ea476ea-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-abababababab-l5ea476ea-main",
  ]
  cache-to = ["type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-abababababab-l5ea476ea-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true"]
}

// below: e · on layer-certs-e · base lunamidori5/pixelarch:emerald
target "desktop-e" {
  description = "layer certs and desktop below the layers of e"
  inherits    = ["_desktop"]
  context     = "${DESKTOP_BAKE_FOLDER}/context/e"
  contexts    = { base = "target:layer-certs-e" }
  args = {
    DESKTOP_BAKE_BASE              = "abababababababab"
    DESKTOP_BAKE_SHA256_DOCKERFILE = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    DESKTOP_BAKE_SHA256_INSTALL    = "504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    DESKTOP_BAKE_SHA256_SETUP      = "5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
  }
  tags = ["${DESKTOP_BAKE_REPOSITORY}:emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-2eff3c3c74b8dcb4"]
  labels = {
    "desktop-bake.cache-key"               = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-2eff3c3c74b8dcb4"
    "desktop-bake.base-digest"             = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest"          = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest"            = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest"       = "sha256:3b422c52c967ad32a17924e387a98511cf35cf51a39c455f335843b5304d930a"
    "desktop-bake.layers"                  = "sha256:5ea476ea8e55596bd0a3b02cf8074d558de8d7d479d442accae81f0e4d3e3d9e desktop"
    "desktop-bake.below-key"               = "emerald-abababababababab-lb19c2ba1df160a2e"
    "org.opencontainers.image.base.name"   = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  cache-from = [
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-l05d2e16f-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-l05d2e16f-main",
  ]
  cache-to = ["type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-l05d2e16f-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true"]
}

// below: e · on desktop-e · base lunamidori5/pixelarch:emerald
target "layer-browser-e" {
  description = "layer certs, desktop and layer browser below the layers of e"
  inherits    = ["_desktop"]
  context     = "${DESKTOP_BAKE_FOLDER}/context/layer-browser-e"
  contexts    = { base = "target:desktop-e" }
  args = {
    DESKTOP_BAKE_BASE              = "abababababababab"
    DESKTOP_BAKE_PACKAGES          = "chromium git"
    DESKTOP_BAKE_SHA256_DOCKERFILE = "8903db87403d16c9b7999f025d216bf6d3470a5bbe7174d3d36795e1c7b988d6"
    DESKTOP_BAKE_SHA256_PACKAGES   = "1b9b0e6b9c38fd6bba77d57c52af627ff379e32718457279c63169bc6f67ef40"
  }
  tags = ["${DESKTOP_BAKE_REPOSITORY}:emerald-abababababababab-l2c8db7601f3ba2d4"]
  labels = {
    "desktop-bake.cache-key"               = "emerald-abababababababab-l2c8db7601f3ba2d4"
    "desktop-bake.base-digest"             = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest"          = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest"            = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest"       = "sha256:3b422c52c967ad32a17924e387a98511cf35cf51a39c455f335843b5304d930a"
    "desktop-bake.layers"                  = "sha256:5ea476ea8e55596bd0a3b02cf8074d558de8d7d479d442accae81f0e4d3e3d9e desktop sha256:729d658fb5ebd6e013ca92ea69492907d4543e56951caef3ceadf6ed7cec4fa8"
    "desktop-bake.below-key"               = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-2eff3c3c74b8dcb4"
    "org.opencontainers.image.base.name"   = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  cache-from = [
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-1c71afb32d7a-l729d658f-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-1c71afb32d7a-l729d658f-main",
  ]
  cache-to = ["type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-1c71afb32d7a-l729d658f-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true"]
}

// environments: e · on layer-browser-e · base lunamidori5/pixelarch:emerald
target "layer-tools-e" {
  description = "layer certs, desktop, layer browser and layer tools of e"
  inherits    = ["_desktop"]
  context     = "${DESKTOP_BAKE_FOLDER}/context/layer-tools-e"
  contexts    = { base = "target:layer-browser-e" }
  args = {
    DESKTOP_BAKE_SHA256_DOCKERFILE = "8903db87403d16c9b7999f025d216bf6d3470a5bbe7174d3d36795e1c7b988d6"
    DESKTOP_BAKE_SHA256_LAYER      = "251e3f115f24b1fceb22889eb059c7859f93ebff19764d2a4cf971265b37048b"
  }
  tags = ["${DESKTOP_BAKE_REPOSITORY}:emerald-abababababababab-l70f985cfe489b402"]
  labels = {
    "desktop-bake.cache-key"               = "emerald-abababababababab-l70f985cfe489b402"
    "desktop-bake.base-digest"             = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest"          = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest"            = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest"       = "sha256:3b422c52c967ad32a17924e387a98511cf35cf51a39c455f335843b5304d930a"
    "desktop-bake.layers"                  = "sha256:5ea476ea8e55596bd0a3b02cf8074d558de8d7d479d442accae81f0e4d3e3d9e desktop sha256:729d658fb5ebd6e013ca92ea69492907d4543e56951caef3ceadf6ed7cec4fa8 sha256:1bc07499fb0b75fc6cd26384351fd80f3954ce25af6c6688da1a3625d05f1310"
    "desktop-bake.below-key"               = "emerald-abababababababab-l2c8db7601f3ba2d4"
    "org.opencontainers.image.base.name"   = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  cache-from = [
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-ce19561a774f-l1bc07499-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-ce19561a774f-l1bc07499-main",
  ]
  cache-to = ["type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-ce19561a774f-l1bc07499-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true"]
}

// below: small · on layer-certs-e · base lunamidori5/pixelarch:emerald
target "layer-tools-small" {
  description = "layer certs and layer tools below the preflight of small"
  inherits    = ["_desktop"]
  context     = "${DESKTOP_BAKE_FOLDER}/context/layer-tools-e"
  contexts    = { base = "target:layer-certs-e" }
  args = {
    DESKTOP_BAKE_SHA256_DOCKERFILE = "8903db87403d16c9b7999f025d216bf6d3470a5bbe7174d3d36795e1c7b988d6"
    DESKTOP_BAKE_SHA256_LAYER      = "251e3f115f24b1fceb22889eb059c7859f93ebff19764d2a4cf971265b37048b"
  }
  tags = ["${DESKTOP_BAKE_REPOSITORY}:emerald-abababababababab-la2af4bfab0b82470"]
  labels = {
    "desktop-bake.cache-key"               = "emerald-abababababababab-la2af4bfab0b82470"
    "desktop-bake.base-digest"             = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.layers"                  = "sha256:5ea476ea8e55596bd0a3b02cf8074d558de8d7d479d442accae81f0e4d3e3d9e sha256:1bc07499fb0b75fc6cd26384351fd80f3954ce25af6c6688da1a3625d05f1310"
    "org.opencontainers.image.base.name"   = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.below-key"               = "emerald-abababababababab-lb19c2ba1df160a2e"
  }
  cache-from = [
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-05d2e16f1545-l1bc07499-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-05d2e16f1545-l1bc07499-main",
  ]
  cache-to = ["type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-05d2e16f1545-l1bc07499-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true"]
}

// environments: small · on layer-tools-small · base lunamidori5/pixelarch:emerald
target "preflight-small" {
  description = "layer certs, layer tools and preflight of small"
  inherits    = ["_desktop"]
  context     = "${DESKTOP_BAKE_FOLDER}/context/preflight-small"
  contexts    = { base = "target:layer-tools-small" }
  args = {
    DESKTOP_BAKE_SHA256_DOCKERFILE = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    DESKTOP_BAKE_SHA256_PREFLIGHT  = "bcd7aeec3e6e4057e98550f910b86f8ff82c10af5838d929269777d5952259e7"
  }
  tags = ["${DESKTOP_BAKE_REPOSITORY}:emerald-abababababababab-la2af4bfab0b82470-pf1ee891dd0b5a74d"]
  labels = {
    "desktop-bake.cache-key"               = "emerald-abababababababab-la2af4bfab0b82470-pf1ee891dd0b5a74d"
    "desktop-bake.base-digest"             = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.layers"                  = "sha256:5ea476ea8e55596bd0a3b02cf8074d558de8d7d479d442accae81f0e4d3e3d9e sha256:1bc07499fb0b75fc6cd26384351fd80f3954ce25af6c6688da1a3625d05f1310"
    "org.opencontainers.image.base.name"   = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.below-key"               = "emerald-abababababababab-la2af4bfab0b82470"
    "desktop-bake.preflight-digest"        = "sha256:f1ee891dd0b5a74def1e385178519c1d74df81d69b888953263a718bba5aea67"
  }
  cache-from = [
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-87539ba65f30-pf1ee891d-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-87539ba65f30-pf1ee891d-main",
  ]
  cache-to = ["type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-87539ba65f30-pf1ee891d-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true"]
}

// starts each desktop in a step of its build, and exports its picture; makes no image
target "desktop-check" {
  name        = "desktop-check-${check.environment}"
  description = "start the desktop of ${check.environment}, and take its picture"
  matrix = {
    check = [
      { environment = "e", target = "layer-tools-e" },
    ]
  }
  context   = "${DESKTOP_BAKE_FOLDER}/check"
  contexts  = { desktop = "target:${check.target}" }
  platforms = compact(split(",", replace(DESKTOP_BAKE_PLATFORMS, " ", "")))
  output    = ["type=local,dest=${DESKTOP_BAKE_FOLDER}/pictures/${check.environment}"]
}
