//go:build !windows

package main

import "errors"

var errWindows = errors.New("services are installed and removed on Windows")

func install() error { return errWindows }
func remove() error  { return errWindows }
