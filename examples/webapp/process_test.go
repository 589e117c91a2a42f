package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"
)

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "webapp-test-")
	if err != nil {
		return "", err
	}
	built = dir
	file := filepath.Join(dir, "webapp")
	output, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput()
	if err != nil {
		return "", errors.New(string(output))
	}
	return file, nil
})

var built string // the folder of the binary, if there is one

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if built != "" {
			_ = os.RemoveAll(built)
		}
		os.Exit(code)
	}))
}

// process is the program under test, as its users run it.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	url    string
	report string // file
	client *http.Client
	stdout syncBuffer
	stderr syncBuffer
}

// start runs the program on a free port and returns when it serves.
func start(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p := begin(t, env, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	address := regexp.MustCompile(`http://(\S+)  `)
	p.until("it prints its address", func() bool {
		found := address.FindStringSubmatch(p.stdout.String())
		if found != nil {
			p.url = "http://" + found[1]
		}
		return found != nil
	})
	return p
}

func begin(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, report: filepath.Join(t.TempDir(), "report.json")}
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	p.client = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	p.cmd = exec.Command(file, append(args, "-report", p.report)...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("standard output:\n%s\nstandard error:\n%s", p.stdout.String(), p.stderr.String())
		}
	})
	return p
}

// until waits for something to become true in another process, where no clock
// can be faked. The bound is only there to end a test that hangs.
func (p *process) until(what string, cond func() bool) {
	p.t.Helper()
	p.untilIn(30*time.Second, what, cond)
}

func (p *process) untilIn(bound time.Duration, what string, cond func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(bound); !cond(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("waited in vain until %s", what)
		}
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	kill := time.AfterFunc(60*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	err := p.cmd.Wait()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) stop() int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.exit()
}

// get returns the status and body of a page.
func (p *process) get(path string) (int, string) {
	p.t.Helper()
	resp, err := p.client.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	return read(p.t, resp)
}

func (p *process) post(kind, body string) (int, string) {
	p.t.Helper()
	resp, err := p.client.Post(p.url+"/signup", kind, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	return read(p.t, resp)
}

func read(t testing.TB, resp *http.Response) (int, string) {
	t.Helper()
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

type serviceLine struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Error    string `json:"error"`
	LeftOver int    `json:"left_over"`
}

// written is the report file.
type written struct {
	Report struct {
		Clean    bool          `json:"clean"`
		Cause    string        `json:"cause"`
		Services []serviceLine `json:"services"`
	} `json:"report"`
	LeftOver []string `json:"left_over"`
	GaveUp   []string `json:"gave_up"`
}

func (p *process) written() (w written) {
	p.t.Helper()
	text, err := os.ReadFile(p.report)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &w); err != nil {
		p.t.Fatalf("%v in %s", err, text)
	}
	return w
}

// syncBuffer is written by the process and read by the test.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// postbox is a mail server outside of the program, which counts what it took.
type postbox struct {
	addr  string
	delay time.Duration // what one mail takes

	mu  sync.Mutex
	got map[string]int // by recipient
}

func openPostbox(t testing.TB, delay time.Duration) *postbox {
	t.Helper()
	b := &postbox{delay: delay, got: map[string]int{}}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{box: b}, nil }))
	server.Domain = "localhost"
	server.ErrorLog = silent{} // connections cut by a stop are part of the tests
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = listener.Addr().String()
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return b
}

func (b *postbox) received() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.got)
}

type delivery struct {
	box *postbox
	to  string
}

func (d *delivery) Mail(string, *smtp.MailOptions) error      { return nil }
func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error { d.to = to; return nil }
func (d *delivery) Reset()                                    {}
func (d *delivery) Logout() error                             { return nil }
func (d *delivery) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	time.Sleep(d.box.delay)
	d.box.mu.Lock()
	defer d.box.mu.Unlock()
	d.box.got[d.to]++
	return nil
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
