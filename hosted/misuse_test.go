package hosted_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/steadgo/stead/hosted"
)

// Whatever a constructor is given, the error is that of the start, with the host and
// without one.
func TestNothingThatIsNilPanicsAndTheStartNamesIt(t *testing.T) {
	var (
		file     *os.File
		listener *net.TCPListener
		h        *hosted.Host
	)
	for name, c := range map[string]struct {
		service hosted.Service
		want    string
	}{
		"Closer":                 {hosted.Closer(nil), "nothing to close"},
		"Closer of a nil file":   {hosted.Closer(file), "nothing to close"},
		"Loop":                   {hosted.Loop(nil), "function is nil"},
		"Once":                   {hosted.Once(nil), "function is nil"},
		"Fresh":                  {hosted.Fresh(nil), "function is nil"},
		"OnReload":               {hosted.OnReload(nil), "function is nil"},
		"Reloadable":             {hosted.Reloadable(nil), "function is nil"},
		"HTTP":                   {hosted.HTTP(nil), "server is nil"},
		"TLS":                    {hosted.TLS(nil), "server is nil"},
		"Serve":                  {hosted.Serve(&http.Server{}, nil), "listener is nil"},
		"Serve, a nil listener":  {hosted.Serve(&http.Server{}, listener), "listener is nil"},
		"Listen":                 {hosted.Listen(&http.Server{}, nil), "listens is nil"},
		"a nil host as a part":   {h, "" /* no method of it can be called */},
		"Fresh of nothing":       {hosted.Fresh(func() (hosted.Service, error) { return h, nil }), "no service"},
		"Reloadable of nothing":  {hosted.Reloadable(func(context.Context) (*hosted.Host, error) { return h, nil }), "no host"},
		"HTTP, the zero service": {new(hosted.HTTPService), "server is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			host := hosted.New(hosted.Config{})
			host.Add("it", c.service)
			if err := host.Start(t.Context()); err == nil || !strings.Contains(err.Error(), `"it"`) {
				t.Errorf("in a host: %v", err)
			}
			if c.want != "" {
				if err := c.service.Start(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("by itself: %v, want %q", err, c.want)
				}
				if err := c.service.Stop(t.Context()); err != nil {
					t.Errorf("its stop: %v", err)
				}
			}
		})
	}
	for name, option := range map[string]hosted.Option{"Option": nil, "Watch": hosted.Watch(nil), "Health": hosted.Health(nil)} {
		host := hosted.New(hosted.Config{})
		host.Add("it", hosted.Loop(idle), option)
		if err := host.Start(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if code := hosted.Exec(nil); code != 1 {
		t.Errorf("a program without a host ends with %d", code)
	}
}
