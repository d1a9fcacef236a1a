//go:build !linux

package main

func beInside() {}
