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
    "desktop-e",
    "desktop-args",
    "desktop-two",
  ]
}

group "e" { targets = ["desktop-e"] }
group "same-key" { targets = ["desktop-e"] }
group "args" { targets = ["desktop-args"] }
group "two" { targets = ["desktop-two"] }

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

// environments: e, same-key · base lunamidori5/pixelarch:emerald
target "desktop-e" {
  description = "desktop of e, same-key"
  inherits    = ["_desktop"]
  context     = "${DESKTOP_BAKE_FOLDER}/context/e"
  contexts    = { base = "docker-image://lunamidori5/pixelarch:emerald@sha256:abababababababababababababababababababababababababababababababab" }
  args = {
    DESKTOP_BAKE_BASE              = "abababababababab"
    DESKTOP_BAKE_SHA256_DOCKERFILE = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    DESKTOP_BAKE_SHA256_INSTALL    = "504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    DESKTOP_BAKE_SHA256_SETUP      = "5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
  }
  tags = ["${DESKTOP_BAKE_REPOSITORY}:emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"]
  labels = {
    "desktop-bake.cache-key"               = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"
    "desktop-bake.base-digest"             = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest"          = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest"            = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest"       = "sha256:3b422c52c967ad32a17924e387a98511cf35cf51a39c455f335843b5304d930a"
    "org.opencontainers.image.base.name"   = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  cache-from = [
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-main",
  ]
  cache-to = ["type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true"]
}

// environments: args · base lunamidori5/pixelarch:emerald
target "desktop-args" {
  description = "desktop of args"
  inherits    = ["_desktop"]
  context     = "${DESKTOP_BAKE_FOLDER}/context/e"
  contexts    = { base = "docker-image://lunamidori5/pixelarch:emerald@sha256:abababababababababababababababababababababababababababababababab" }
  args = {
    A                              = "$${B} %%{C} \"q\" \\ \n ü"
    DESKTOP_BAKE_BASE              = "abababababababab"
    DESKTOP_BAKE_SHA256_DOCKERFILE = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    DESKTOP_BAKE_SHA256_INSTALL    = "504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    DESKTOP_BAKE_SHA256_SETUP      = "5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    Z                              = ""
  }
  tags = ["${DESKTOP_BAKE_REPOSITORY}:emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2"]
  labels = {
    "desktop-bake.cache-key"               = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2"
    "desktop-bake.base-digest"             = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest"          = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest"            = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest"       = "sha256:a8341ae74e010ca27d6af2b15f3c2b5dd1f1fd77e90da389907799e371d66137"
    "org.opencontainers.image.base.name"   = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  cache-from = [
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-main",
  ]
  cache-to = ["type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true"]
}

// environments: two · base lunamidori5/pixelarch:emerald
target "desktop-two" {
  description = "desktop of two"
  inherits    = ["_desktop"]
  context     = "${DESKTOP_BAKE_FOLDER}/context/e"
  contexts    = { base = "docker-image://lunamidori5/pixelarch:emerald@sha256:abababababababababababababababababababababababababababababababab" }
  args = {
    DESKTOP_BAKE_BASE              = "abababababababab"
    DESKTOP_BAKE_SHA256_DOCKERFILE = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    DESKTOP_BAKE_SHA256_INSTALL    = "504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    DESKTOP_BAKE_SHA256_SETUP      = "5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
  }
  tags = ["${DESKTOP_BAKE_REPOSITORY}:emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835"]
  labels = {
    "desktop-bake.cache-key"               = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835"
    "desktop-bake.base-digest"             = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest"          = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest"            = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest"       = "sha256:b16d2839e8fb0835115e4278b1da632a8877ea3181fd36a955502d8d0689042c"
    "org.opencontainers.image.base.name"   = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  platforms = compact(split(",", DESKTOP_BAKE_PLATFORMS == "" ? "linux/amd64,linux/arm64" : replace(DESKTOP_BAKE_PLATFORMS, " ", "")))
  cache-from = [
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-main",
  ]
  cache-to = ["type=registry,ref=${DESKTOP_BAKE_REPOSITORY}:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true"]
}

// starts each desktop in a step of its build, and exports its picture; makes no image
target "desktop-check" {
  name        = "desktop-check-${check.environment}"
  description = "start the desktop of ${check.environment}, and take its picture"
  matrix = {
    check = [
      { environment = "e", target = "desktop-e", platforms = "" },
      { environment = "args", target = "desktop-args", platforms = "" },
      { environment = "two", target = "desktop-two", platforms = "linux/amd64,linux/arm64" },
    ]
  }
  context   = "${DESKTOP_BAKE_FOLDER}/check"
  contexts  = { desktop = "target:${check.target}" }
  platforms = compact(split(",", DESKTOP_BAKE_PLATFORMS == "" ? check.platforms : replace(DESKTOP_BAKE_PLATFORMS, " ", "")))
  output    = ["type=local,dest=${DESKTOP_BAKE_FOLDER}/pictures/${check.environment}"]
}
