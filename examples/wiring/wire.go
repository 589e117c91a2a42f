//go:build wireinject

package main

import (
	"github.com/google/wire"

	"github.com/steadgo/stead/hosted"
)

func newProgram(address addr) (*hosted.Host, error) {
	panic(wire.Build(newEmails, newSenders, newSite, newHost))
}
