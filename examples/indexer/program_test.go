package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

// site is the page of a running program.
type site struct {
	*program.Process
	t      *testing.T
	client *http.Client
	url    string
}

func start(t *testing.T, args ...string) site {
	t.Helper()
	p := program.Command{Args: append([]string{"-addr", "127.0.0.1:0"}, args...)}.Start(t)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	return site{p, t, client, p.WaitFor(`(http://\S+)/ `)[1]}
}

func (s site) get(path string) (int, string) {
	s.t.Helper()
	resp, err := s.client.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// finds waits until a search for words finds the file, or no longer does.
func (s site) finds(words, file string, want bool) {
	s.t.Helper()
	s.Eventually(words+" is found, or gone", func() bool {
		code, body := s.get("/search?q=" + url.QueryEscape(words))
		return code == http.StatusOK && strings.Contains(body, file+"\n") == want
	})
}

func (s site) ready() {
	s.Eventually("ready", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK })
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestProgramIsUnreadyUntilASearchFindsEverything(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "index.db")
	write(t, dir, "tent.md", "A tent for two")
	write(t, dir, "sub/stove.md", "A stove for one")
	write(t, dir, ".hidden/no.md", "nobody looks here for two")
	write(t, dir, "notes.txt", "not Markdown for two")

	s := start(t, "-dir", dir, "-db", file)
	s.ready()
	s.finds("two", "tent.md", true)
	if _, body := s.get("/search?q=two"); strings.Contains(body, "no.md") || strings.Contains(body, "notes.txt") {
		t.Errorf("it finds what is none of its business: %s", body)
	}
	write(t, dir, "tent.md", "A tent for three people")
	s.finds("three", "tent.md", true)
	s.finds("two", "tent.md", false)
	if err := os.Remove(filepath.Join(dir, "sub", "stove.md")); err != nil {
		t.Fatal(err)
	}
	s.finds("stove", "sub/stove.md", false)
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	// While it is down a file changes, and somebody else writes to its database:
	// the first sync has to wait for that, and everything else for the sync.
	write(t, dir, "boat.md", "A boat for four")
	release := lock(t, file)
	s = start(t, "-dir", dir, "-db", file)
	if code, body := s.get("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("/readyz before the sync: %d %s", code, body)
	}
	if code, body := s.get("/search?q=four"); code != http.StatusServiceUnavailable || !strings.Contains(body, "index") {
		t.Errorf("/search before the sync: %d %s", code, body)
	}
	if code, body := s.get("/livez"); code != http.StatusOK {
		t.Errorf("/livez before the sync: %d %s", code, body)
	}
	release()
	s.ready()
	if _, body := s.get("/search?q=four"); !strings.Contains(body, "boat.md") {
		t.Errorf("it was ready and did not find what had been there before: %s", body)
	}
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.WaitFor(`(?m)^index +stopped.*(.*\n)*^sync +stopped`)
}

// lock keeps everybody else from writing to the database.
func lock(t *testing.T, file string) (release func()) {
	t.Helper()
	db, err := openDB(file)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	release = func() { _ = tx.Rollback(); _ = db.Close() }
	t.Cleanup(release)
	return release
}

func TestProgramFailsWhenThereIsNoFolder(t *testing.T) {
	p := program.Command{Args: []string{"-addr", "127.0.0.1:0", "-dir", "/nowhere/at/all"}}.Start(t)
	if code := p.ExitCode(); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	p.WaitFor("-dir: .*no such file or directory")
}

func TestProgramServesWhileItsFolderIsAway(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "in/tent.md", "A tent for two")
	s := start(t, "-dir", filepath.Join(dir, "in"))
	s.ready()
	if err := os.Rename(filepath.Join(dir, "in"), filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	s.WaitFor("service.*restart")
	s.finds("two", "tent.md", true)
	s.ready()
	write(t, dir, "out/tent.md", "A tent for three")
	if err := os.Rename(filepath.Join(dir, "out"), filepath.Join(dir, "in")); err != nil {
		t.Fatal(err)
	}
	s.finds("three", "tent.md", true)
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
