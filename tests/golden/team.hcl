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
    "desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2",
    "desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835",
  ]
}

group "desktop-check" {
  targets = [
    "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32",
    "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2",
    "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835",
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
    "registry.example.com/team/desktop:emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32",
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
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-main",
  ]
  cache-to = [
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true",
  ]
}

target "desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2" {
  context    = "context/emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2"
  dockerfile = "Dockerfile"
  contexts = {
    base = "docker-image://lunamidori5/pixelarch:emerald@sha256:abababababababababababababababababababababababababababababababab"
  }
  args = {
    "A" = "$${B} %%{C} \"q\" \\ \n ü"
    "DESKTOP_BAKE_BASE" = "abababababababab"
    "DESKTOP_BAKE_SHA256_DOCKERFILE" = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    "DESKTOP_BAKE_SHA256_INSTALL" = "504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "DESKTOP_BAKE_SHA256_SETUP" = "5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "Z" = ""
  }
  tags = [
    "registry.example.com/team/desktop:emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2",
  ]
  labels = {
    "desktop-bake.schema" = "1"
    "desktop-bake.cache-key" = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2"
    "desktop-bake.base-digest" = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest" = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest" = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest" = "sha256:a8341ae74e010ca27d6af2b15f3c2b5dd1f1fd77e90da389907799e371d66137"
    "org.opencontainers.image.base.name" = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  output     = compact([DESKTOP_BAKE_OUTPUT])
  cache-from = [
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-main",
  ]
  cache-to = [
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true",
  ]
}

target "desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835" {
  context    = "context/emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835"
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
    "registry.example.com/team/desktop:emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835",
  ]
  labels = {
    "desktop-bake.schema" = "1"
    "desktop-bake.cache-key" = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835"
    "desktop-bake.base-digest" = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest" = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest" = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest" = "sha256:b16d2839e8fb0835115e4278b1da632a8877ea3181fd36a955502d8d0689042c"
    "org.opencontainers.image.base.name" = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
  }
  platforms = [
    "linux/amd64",
    "linux/arm64",
  ]
  output     = compact([DESKTOP_BAKE_OUTPUT])
  cache-from = [
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-main",
  ]
  cache-to = [
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true",
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

target "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2" {
  context    = "check"
  dockerfile = "Dockerfile"
  contexts = {
    desktop = "target:desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2"
  }
  output = ["type=local,dest=pictures/emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-a8341ae74e010ca2"]
}

target "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835" {
  context    = "check"
  dockerfile = "Dockerfile"
  contexts = {
    desktop = "target:desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835"
  }
  platforms = [
    "linux/amd64",
    "linux/arm64",
  ]
  output = ["type=local,dest=pictures/emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-b16d2839e8fb0835"]
}
