//go:build unix

package testserver_test

import (
	"net"
	"net/url"
	"testing"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/internal/testserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func answers(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

func TestAKilledPostgresIsGoneAndComesBack(t *testing.T) {
	testserver.Wanted(t)
	p := testserver.NewPostgres(t)
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if answers(u.Host) {
		t.Error("it still answers after Kill")
	}
	p.Start()
	if !answers(u.Host) {
		t.Error("it does not answer after Start")
	}
}

func TestAKilledRedisIsGoneAndComesBack(t *testing.T) {
	testserver.Wanted(t)
	r := testserver.NewRedis(t)
	r.Flush()
	r.Kill()
	if answers(r.Addr) {
		t.Error("it still answers after Kill")
	}
	r.Start()
	if !answers(r.Addr) {
		t.Error("it does not answer after Start")
	}
}
