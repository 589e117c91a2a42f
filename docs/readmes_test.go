//go:build extra

package docs_test

import (
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// published are the folders of the modules that people import.
var published = []string{".", "metrics", "durable", "leader", "otel"}

// public returns the folders of the packages in them that people import.
func public(t *testing.T) (dirs []string) {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range published {
		for _, line := range strings.Fields(run(t, filepath.Join(root, module), "go", "list", "-f", "{{if ne .Name \"main\"}}{{.Dir}}{{end}}", "./...")) {
			dir, err := filepath.Rel(top, line)
			if err != nil {
				t.Fatal(err)
			}
			dir = filepath.ToSlash(dir)
			switch {
			case dir == "." || dir == "docs" || strings.Contains("/"+dir+"/", "/internal/"):
			case dir == "durable/faulttest": // has tests alone
			default:
				dirs = append(dirs, dir)
			}
		}
	}
	if len(dirs) < 20 {
		t.Fatalf("only %d packages", len(dirs))
	}
	return dirs
}

// A link to a package on the page of the repository leads to its folder: there stands
// what it is, and a program that builds. All are compiled by one command.
func TestEveryPackageHasAPageWithAProgramThatBuilds(t *testing.T) {
	m := newModule(t)
	for _, dir := range public(t) {
		text, err := os.ReadFile(filepath.Join(root, dir, "README.md"))
		if err != nil {
			t.Errorf("%s has no page: %v", dir, err)
			continue
		}
		if !strings.Contains(string(text), "https://pkg.go.dev/github.com/steadgo/stead/"+dir+")") {
			t.Errorf("%s: its page has no link to the reference", dir)
		}
		programs := goBlocks(string(text))
		if len(programs) != 1 {
			t.Errorf("%s: its page has %d programs", dir, len(programs))
			continue
		}
		if formatted, err := format.Source([]byte(programs[0])); err != nil || string(formatted) != programs[0] {
			t.Errorf("%s: its program is not formatted; %v", dir, err)
		}
		file := "main.go"
		if strings.Contains(programs[0], `"testing"`) {
			file = "main_test.go"
		}
		m.add(t, strings.ReplaceAll(dir, "/", "-"), file, programs[0])
	}
	m.run(t, "vet", "./...") // compiles them, and links none
}
