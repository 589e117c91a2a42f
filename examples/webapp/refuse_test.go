package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/steadgo/stead/examples/internal/program"
)

func TestProgramRefusesWhatItCannotDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	file := filepath.Join(t.TempDir(), "typo.db")
	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"port in use":     {[]string{"-addr", taken.Addr().String()}, 1, "address already in use"},
		"unknown flag":    {[]string{"-colour"}, 2, "flag provided but not defined"},
		"extra argument":  {[]string{"serve"}, 2, `unknown argument "serve"`},
		"bad address":     {[]string{"-addr", "8080"}, 2, "-addr"},
		"bad mail server": {[]string{"-smtp", "mail.example.com"}, 2, "-smtp"},
		"bad fail rate":   {[]string{"-fail-rate", "2"}, 2, "-fail-rate"},
		"drain too long":  {[]string{"-drain-delay", "1m"}, 2, "-drain-delay"},
		"asked for help":  {[]string{"-h"}, 0, "-smtp"},
		"no time to stop": {[]string{"-shutdown-timeout", "0"}, 2, "-shutdown-timeout is not more than zero"},
		"no such store":   {[]string{"-store", "mysql://root:secret@db"}, 2, "-store: it is memory"},
		"store nowhere":   {[]string{"-addr", "127.0.0.1:0", "-store", "sqlite:/nowhere/at/all"}, 1, "/nowhere/at/all"},
		"no tables yet":   {[]string{"-addr", "127.0.0.1:0", "-role", "web", "-store", "sqlite:" + empty}, 1, "make the tables first: webapp migrate"},
		"web, no file":    {[]string{"-addr", "127.0.0.1:0", "-role", "web", "-store", "sqlite:" + file}, 1, file + ": no such file"},
		"worker, no file": {[]string{"-addr", "127.0.0.1:0", "-role", "worker", "-store", "sqlite:" + file}, 1, "webapp migrate makes the file"},
		"no such role":    {[]string{"-role", "boss"}, 2, "-role"},
		"memory, shared":  {[]string{"-role", "worker"}, 2, "needs a -store"},
		"memory, tables":  {[]string{"migrate"}, 2, "no tables"},
		"worker, demo":    {[]string{"-role", "worker", "-store", "sqlite:x.db", "-demo"}, 2, "-demo"},
	} {
		t.Run(name, func(t *testing.T) {
			p := begin(t, nil, c.args...)
			if code := p.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.Contains(p.Output(), c.says) {
				t.Errorf("%q is not in %q", c.says, p.Output())
			}
			if strings.Contains(p.Output(), "secret") {
				t.Errorf("a password is in %q", p.Output())
			}
		})
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the file is made, which has no tables then")
	}
}

func TestProgramSaysAtOnceThatItsReportCannotBeWritten(t *testing.T) {
	t.Setenv("WEBAPP_REPORT", "/nowhere/at/all")
	p := program.Command{Args: []string{"-addr", "127.0.0.1:0"}}.Start(t)
	if code := p.ExitCode(); code != 2 || !strings.Contains(p.Output(), "-report: open /nowhere/at/all") {
		t.Errorf("%d: %s", code, p.Output())
	}
}
