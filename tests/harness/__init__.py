"""Machines, registries, proxies and gates that tests share."""
