//go:build !linux

package sqlitedb

import (
	"context"
	"time"
)

// watch is none: the file is looked at.
type watch struct{}

func newWatch(string) *watch                            { return nil }
func (*watch) begin() bool                              { return false }
func (*watch) wait(context.Context, time.Duration) bool { return false }
func (*watch) close()                                   {}
