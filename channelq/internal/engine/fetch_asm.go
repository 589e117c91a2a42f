//go:build amd64 || arm64

package engine

import "unsafe"

// Hints to the processor, which has no other effect than time: the line at p is
// soon written to, or read.

//go:noescape
func fetchToWrite(p unsafe.Pointer)

//go:noescape
func fetchToRead(p unsafe.Pointer)
