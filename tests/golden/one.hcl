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
    "desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32",
  ]
}

group "desktop-check" {
  targets = [
    "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32",
  ]
}

target "desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32" {
  context    = "context/emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"
  dockerfile = "Dockerfile"
  contexts = {
    base = "docker-image://lunamidori5/pixelarch:emerald@sha256:abababababababababababababababababababababababababababababababab"
  }
  args = {
    "DESKTOP_BAKE_BASE" = "abababababababab"
    "DESKTOP_BAKE_SHA256_DOCKERFILE" = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    "DESKTOP_BAKE_SHA256_INSTALL" = "504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "DESKTOP_BAKE_SHA256_SETUP" = "5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
  }
  tags = [
    "desktop-bake:emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32",
  ]
  labels = {
    "desktop-bake.schema" = "1"
    "desktop-bake.cache-key" = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"
    "desktop-bake.base-digest" = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest" = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest" = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest" = "sha256:3b422c52c967ad32a17924e387a98511cf35cf51a39c455f335843b5304d930a"
    "org.opencontainers.image.base.name" = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  output     = compact([DESKTOP_BAKE_OUTPUT])
  cache-from = [
    "type=local,src=${DESKTOP_BAKE_CACHE_DIR}/emerald-504a29a17b8c",
  ]
  cache-to = [
    "type=local,dest=${DESKTOP_BAKE_CACHE_DIR}/emerald-504a29a17b8c,mode=max,ignore-error=true",
  ]
}

target "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32" {
  context    = "check"
  dockerfile = "Dockerfile"
  contexts = {
    desktop = "target:desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"
  }
  output = ["type=local,dest=pictures/emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"]
}
