"""Bytes in, typed rows and rejects out: parsing makes data legible and decides nothing about its meaning."""
