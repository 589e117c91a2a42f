package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m, main) }

// folder is a folder of notes, which people and programs work on.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder { return folder{t, t.TempDir()} }

func (f folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f folder) write(name, text string) {
	f.t.Helper()
	f.must(os.MkdirAll(filepath.Dir(f.path(name)), 0o700))
	f.must(os.WriteFile(f.path(name), []byte(text), 0o600))
}

func (f folder) remove(name string) { f.t.Helper(); f.must(os.RemoveAll(f.path(name))) }

func (f folder) rename(from, to string) {
	f.t.Helper()
	f.must(os.Rename(f.path(from), f.path(to)))
}

func (f folder) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestProgramFollowsAFolderAndFindsWhatHappenedWhileItWasDown(t *testing.T) {
	f := newFolder(t)
	f.write("same.md", "always")
	f.write("old.md", "one #a")
	f.write("deep/er/note.md", "down here #b")
	f.write("notes.txt", "not Markdown")
	command := program.Command{Args: []string{"-dir", f.dir + "/"}}

	p := command.Start(t)
	for _, name := range []string{"same.md", "old.md", "deep/er/note.md"} {
		p.WaitFor("stored  " + name)
	}
	f.write("old.md", "two #c")
	p.WaitFor("(?s)stored  old.md.*stored  old.md")
	f.rename("old.md", "new.md")
	p.WaitFor("removed old.md")
	p.WaitFor("stored  new.md")
	f.rename("deep", "moved")
	p.WaitFor("removed deep/er/note.md")
	p.WaitFor("stored  moved/er/note.md")
	f.write("moved/er/note.md", "edited under its new name #d")
	p.WaitFor("(?s)stored  moved/er/note.md.*stored  moved/er/note.md")
	f.write("x.md/inside.md", "in a folder that is called like a file")
	p.WaitFor("stored  x.md/inside.md")
	f.remove("x.md")
	p.WaitFor("removed x.md/inside.md")
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.WaitFor(`items of changes: accepted \d+ handled \d+\n`)

	f.remove("new.md")
	f.write("moved/er/note.md", "edited behind its back")
	f.write("later.md", "made behind its back")
	p = command.Start(t)
	for _, line := range []string{"removed new.md", "stored  moved/er/note.md", "stored  later.md"} {
		p.WaitFor(line)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, unchanged := range []string{"same.md", "notes.txt"} {
		if strings.Contains(p.Output(), unchanged) {
			t.Errorf("%s was stored again, or at all", unchanged)
		}
	}
	want := map[string]string{
		"same.md": "always", "moved/er/note.md": "edited behind its back", "later.md": "made behind its back",
	}
	wantTable(t, f, want)
}

func TestProgramMakesAFolderToTryAndRemovesIt(t *testing.T) {
	p := program.Command{}.Start(t)
	dir := p.WaitFor(`Watching (.*)\. In`)[1]
	p.WaitFor("stored  ideas/later.md")
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestProgramFailsWhenItsFolderGoes(t *testing.T) {
	f := newFolder(t)
	f.write("in/a.md", "a")
	p := program.Command{Args: []string{"-dir", f.path("in")}}.Start(t)
	p.WaitFor("stored  a.md")
	f.rename("in", "out")
	if code := p.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	p = program.Command{Args: []string{"-dir", f.path("in")}}.Start(t)
	if code := p.ExitCode(); code != 2 {
		t.Errorf("exit code %d for a folder that does not exist, want 2", code)
	}
}
