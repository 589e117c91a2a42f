//go:build !windows

package winsvc

import "github.com/steadgo/stead/hosted"

// IsService reports whether the service manager of Windows started the program. Here
// it returns false.
func IsService() bool { return false }

// serve is never called here.
func serve(*hosted.Host, settings) int { return 1 }
