//go:build !windows

package winsvc

func serveAsService() {}
