// Rendered by desktop-bake from docker-bake.hcl.j2: change desktop-bake.toml or its scripts, not this file.
//
//   docker buildx bake -f docker-bake.hcl                  build every image (--push: publish it)
//   docker buildx bake -f docker-bake.hcl ENVIRONMENT      build what this environment uses
//   docker buildx bake -f docker-bake.hcl --list=targets   list what can be built; --list=variables, what can be set

variable "DESKTOP_BAKE_REPOSITORY" {
  description = "where images and registry caches go"
  default     = "desktop-bake"
}

variable "DESKTOP_BAKE_OUTPUT" {
  description = "how images are exported, such as type=image,compression=zstd,oci-mediatypes=true"
  default     = ""
}

variable "DESKTOP_BAKE_PLATFORMS" {
  description = "build for these platforms alone, such as linux/arm64; several with commas between"
  default     = ""
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
    "preflight-e",
  ]
}

group "e" { targets = ["preflight-e"] }

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

// environments: e · base lunamidori5/pixelarch:emerald
target "preflight-e" {
  description = "preflight of e"
  inherits    = ["_desktop"]
  context     = "${DESKTOP_BAKE_FOLDER}/context/preflight-e"
  contexts    = { base = "docker-image://lunamidori5/pixelarch:emerald@sha256:abababababababababababababababababababababababababababababababab" }
  args = {
    DESKTOP_BAKE_SHA256_DOCKERFILE = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    DESKTOP_BAKE_SHA256_PREFLIGHT  = "bcd7aeec3e6e4057e98550f910b86f8ff82c10af5838d929269777d5952259e7"
  }
  tags = ["${DESKTOP_BAKE_REPOSITORY}:emerald-abababababababab-pf1ee891dd0b5a74d"]
  labels = {
    "desktop-bake.cache-key"               = "emerald-abababababababab-pf1ee891dd0b5a74d"
    "desktop-bake.base-digest"             = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.preflight-digest"        = "sha256:f1ee891dd0b5a74def1e385178519c1d74df81d69b888953263a718bba5aea67"
    "org.opencontainers.image.base.name"   = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
}
