"""The work of explain, images, prune, warm and doctor, without their command lines."""
