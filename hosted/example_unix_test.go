//go:build unix

package hosted_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/steadgo/stead/hosted"
)

// A unix socket; the same way in come a listener of systemd or of a test.
func ExampleServe() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	socket, err := net.Listen("unix", filepath.Join(dir, "app.sock"))
	if err != nil {
		panic(err)
	}
	host := hosted.New(hosted.Config{})
	host.Add("http", hosted.Serve(&http.Server{Handler: http.NotFoundHandler()}, socket))
	fmt.Println(host.Start(context.Background()))
	conn, err := net.Dial("unix", socket.Addr().String())
	if err != nil {
		panic(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
	status, err := bufio.NewReader(conn).ReadString('\n')
	fmt.Println(strings.TrimSpace(status), err)
	_ = conn.Close()
	fmt.Println(host.Stop(context.Background()))
	// Output:
	// <nil>
	// HTTP/1.0 404 Not Found <nil>
	// <nil>
}

// The socket is opened at the service's turn, after the database is up, so that nobody
// can connect before.
func ExampleListen() {
	dir, err := os.MkdirTemp("", "stead")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	web := hosted.Listen(&http.Server{ReadHeaderTimeout: time.Second}, func(ctx context.Context) (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, "unix", dir+"/app.sock")
	})
	host := hosted.New(hosted.Config{})
	host.Add("db", &connection{name: "db"})
	host.Add("web", web)
	fmt.Println(host.Start(context.Background()), web.Addr().Network())
	_ = host.Stop(context.Background())
	// Output:
	// db is up
	// <nil> unix
	// db is down
}
