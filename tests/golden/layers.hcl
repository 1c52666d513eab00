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
    "desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-p8b3b75511497f25d",
    "desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-pf1ee891dd0b5a74d",
    "preflight-emerald-abababababababab-pf1ee891dd0b5a74d",
  ]
}

group "desktop-check" {
  targets = [
    "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32",
    "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-p8b3b75511497f25d",
    "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-pf1ee891dd0b5a74d",
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

target "desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-p8b3b75511497f25d" {
  context    = "context/emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-p8b3b75511497f25d"
  dockerfile = "Dockerfile"
  contexts = {
    base = "target:desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"
  }
  args = {
    "DESKTOP_BAKE_SHA256_DOCKERFILE" = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    "DESKTOP_BAKE_SHA256_PREFLIGHT" = "53c234e5e8472b6ac51c1ae1cab3fe06fad053beb8ebfd8977b010655bfdd3c3"
  }
  tags = [
    "registry.example.com/team/desktop:emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-p8b3b75511497f25d",
  ]
  labels = {
    "desktop-bake.schema" = "1"
    "desktop-bake.cache-key" = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-p8b3b75511497f25d"
    "desktop-bake.base-digest" = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest" = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest" = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest" = "sha256:3b422c52c967ad32a17924e387a98511cf35cf51a39c455f335843b5304d930a"
    "org.opencontainers.image.base.name" = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.desktop-key" = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"
    "desktop-bake.preflight-digest" = "sha256:8b3b75511497f25d49e1e916c57791688691ec7af4a7b0fce58c1f3a6e9729e1"
  }
  output     = compact([DESKTOP_BAKE_OUTPUT])
  cache-from = [
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-p8b3b7551-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-p8b3b7551-main",
  ]
  cache-to = [
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-p8b3b7551-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true",
  ]
}

target "desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-pf1ee891dd0b5a74d" {
  context    = "context/emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-pf1ee891dd0b5a74d"
  dockerfile = "Dockerfile"
  contexts = {
    base = "target:desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"
  }
  args = {
    "DESKTOP_BAKE_SHA256_DOCKERFILE" = "3194d3d3f98bd2ceacf343b986078f60fbba04d39f25ed28730e12b00beacada"
    "DESKTOP_BAKE_SHA256_PREFLIGHT" = "bcd7aeec3e6e4057e98550f910b86f8ff82c10af5838d929269777d5952259e7"
  }
  tags = [
    "registry.example.com/team/desktop:emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-pf1ee891dd0b5a74d",
  ]
  labels = {
    "desktop-bake.schema" = "1"
    "desktop-bake.cache-key" = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-pf1ee891dd0b5a74d"
    "desktop-bake.base-digest" = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.install-digest" = "sha256:504a29a17b8c9fb7aaf8a7b7d68ae65c5b7ec12515cc7e088637f6c08d9caa36"
    "desktop-bake.setup-digest" = "sha256:5fa91e737fd0ebecd31879da0bf89e18159cf8834ac0e0beee3e59763a90f19a"
    "desktop-bake.dockerfile-digest" = "sha256:3b422c52c967ad32a17924e387a98511cf35cf51a39c455f335843b5304d930a"
    "org.opencontainers.image.base.name" = "lunamidori5/pixelarch:emerald"
    "org.opencontainers.image.base.digest" = "sha256:abababababababababababababababababababababababababababababababab"
    "desktop-bake.desktop-key" = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"
    "desktop-bake.preflight-digest" = "sha256:f1ee891dd0b5a74def1e385178519c1d74df81d69b888953263a718bba5aea67"
  }
  output     = compact([DESKTOP_BAKE_OUTPUT])
  cache-from = [
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-pf1ee891d-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-pf1ee891d-main",
  ]
  cache-to = [
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-504a29a17b8c-pf1ee891d-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true",
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
    "registry.example.com/team/desktop:emerald-abababababababab-pf1ee891dd0b5a74d",
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
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-abababababab-pf1ee891d-${DESKTOP_BAKE_CACHE_SCOPE}",
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-abababababab-pf1ee891d-main",
  ]
  cache-to = [
    "type=registry,ref=registry.example.com/team/desktop:cache-emerald-abababababab-pf1ee891d-${DESKTOP_BAKE_CACHE_SCOPE},mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true,ignore-error=true",
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

target "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-p8b3b75511497f25d" {
  context    = "check"
  dockerfile = "Dockerfile"
  contexts = {
    desktop = "target:desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-p8b3b75511497f25d"
  }
  output = ["type=local,dest=pictures/emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-p8b3b75511497f25d"]
}

target "desktop-check-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-pf1ee891dd0b5a74d" {
  context    = "check"
  dockerfile = "Dockerfile"
  contexts = {
    desktop = "target:desktop-emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-pf1ee891dd0b5a74d"
  }
  output = ["type=local,dest=pictures/emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32-pf1ee891dd0b5a74d"]
}
