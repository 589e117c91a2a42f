package freeport_test

import (
	"fmt"
	"net"
	"testing"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/internal/freeport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAPortIsFreeAndGivenOnce(t *testing.T) {
	seen := map[int]bool{}
	for range 200 {
		port := freeport.Get()
		if seen[port] {
			t.Errorf("port %d is given twice", port)
		}
		seen[port] = true
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", freeport.Get()))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
