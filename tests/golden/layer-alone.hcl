// Rendered by desktop-bake from docker-bake.hcl.j2: change the inputs, not this file.
// Build all:  docker buildx bake -f docker-bake.hcl desktop          Publish:  the same with --push
// See that a desktop comes up:  docker buildx bake -f docker-bake.hcl desktop-check, and look at pictures/

variable "DESKTOP_BAKE_CACHE_DIR" {
  default = ".desktop-cache"
}
variable "DESKTOP_BAKE_CACHE_SCOPE" {
  default = "main"
}
variable "DESKTOP_BAKE_OUTPUT" {
  default = ""
}

group "default" {
  targets = ["desktop"]
}

group "desktop" {
  targets = [
    "preflight-emerald-abababababababab-pf1ee891dd0b5a74d",
  ]
}

target "preflight-emerald-abababababababab-pf1ee891dd0b5a74d" {
  context    = "context/emerald-abababababababab-pf1ee891dd0b5a74d"
  dockerfile = "Dockerfile"
  contexts = {
    base = "docker-image://lunamidori5/pixelarch:emerald@sha256:abababababababababababababababababababababababababababababababab"
  }
  args = {
    "DESKTOP_BAKE_SHA256_DOCKERFILE" = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    "DESKTOP_BAKE_SHA256_PREFLIGHT" = "bcd7aeec3e6e4057e98550f910b86f8ff82c10af5838d929269777d5952259e7"
  }
  tags = [
    "desktop-bake:emerald-abababababababab-pf1ee891dd0b5a74d",
  ]
  labels = {
    "desktop-bake.schema" = "1"
    "desktop-bake.cache-key" = "emerald-abababababababab-pf1ee891dd0b5a74d"
    "desktop-bake.base-digest" = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.preflight-digest" = "sha256:f1ee891dd0b5a74def1e385178519c1d74df81d69b888953263a718bba5aea67"
    "org.opencontainers.image.base.name" = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  output     = compact([DESKTOP_BAKE_OUTPUT])
  cache-from = [
  ]
  cache-to = [
  ]
}
