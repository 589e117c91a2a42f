package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
	"github.com/steadgo/stead/hosted"
)

// command runs one command of the program with its standard input, and returns what it writes.
func command(t *testing.T, in string, args ...string) (out string, err error) {
	t.Helper()
	cfg, err := parse(args, func(string) string { return "" }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	cfg.log, cfg.in, cfg.out = slog.New(slog.DiscardHandler), strings.NewReader(in), &written
	host := hosted.New(hosted.Config{Name: "webapp"})
	emails, err := openOutbox(host, cfg, func(context.Context, welcome) error { return nil }, &leftovers{})
	if err != nil {
		return "", err
	}
	task := emails.migrate
	if cfg.transfer != "" {
		task = emails.transfer
	}
	err = host.RunTask(t.Context(), task, "store")
	return written.String(), err
}

func TestMailsGoToAFileAndBack(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "shop.db")
	for _, what := range []string{"export", "import"} {
		if _, err := command(t, "", "jobs", what, "-store", store); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a file that does not exist: %v", what, err)
		}
		if _, err := os.Stat(strings.TrimPrefix(store, "sqlite:")); err == nil {
			t.Errorf("%s has made the file", what)
		}
	}
	if err := os.WriteFile(strings.TrimPrefix(store, "sqlite:"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "", "jobs", "export", "-store", store); err == nil || !strings.Contains(err.Error(), "durable.Migrate") {
		t.Errorf("a file without tables: %v", err)
	}
	if _, err := command(t, "", "migrate", "-store", store); err != nil {
		t.Fatal(err)
	}
	const line = `{"queue":"emails","item":{"Email":"ann@example.com"}}` + "\n"
	if _, err := command(t, line+line, "jobs", "import", "-store", store); err != nil {
		t.Fatal(err)
	}
	_, err := command(t, line+line+line+"bad\n", "jobs", "import", "-store", store, "-skip", "2")
	if err == nil || !strings.Contains(err.Error(), "go on with -skip 2: ") || !strings.Contains(err.Error(), "line 4: ") {
		t.Errorf("a line that is bad: %v", err)
	}
	out, err := command(t, "", "jobs", "export", "-store", store, "-state", "available")
	if err != nil || strings.Count(out, "\n") != 2 || strings.Count(out, "ann@example.com") != 2 {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := command(t, "", "jobs", "export", "-store", store); out != "" || err != nil {
		t.Errorf("none has failed: %q, %v", out, err)
	}
	for _, args := range [][]string{{"jobs", "export"}, {"jobs"}, {"jobs", "remove", "-store", store}, {"jobs", "import", "-store", store, "-skip", "-1"}} {
		if _, err := parse(args, func(string) string { return "" }, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func TestWhatIsExportedCanBeImported(t *testing.T) {
	run := func(in string, args ...string) string {
		t.Helper()
		cmd := program.Command{Args: args}.Cmd(t)
		cmd.Stdin = strings.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		return string(out)
	}
	from, to := "sqlite:"+filepath.Join(t.TempDir(), "from.db"), "sqlite:"+filepath.Join(t.TempDir(), "to.db")
	run("", "migrate", "-store", from)
	run("", "migrate", "-store", to)
	if out := run(`{"queue":"emails","item":{"Email":"ann@example.com"}}`+"\n", "jobs", "import", "-store", from); out != "" {
		t.Errorf("import writes %q", out)
	}
	out := run("", "jobs", "export", "-store", from, "-state", "available")
	if strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, `{"queue":"emails"`) {
		t.Errorf("not only jobs: %s", out)
	}
	run(out, "jobs", "import", "-store", to)
	if out = run("", "jobs", "export", "-store", to, "-state", "available"); !strings.Contains(out, "ann@example.com") {
		t.Errorf("in the other store there is %q", out)
	}
}
