//go:build !amd64 && !arm64

package engine

import "unsafe"

func fetchToWrite(unsafe.Pointer) {}

func fetchToRead(unsafe.Pointer) {}
