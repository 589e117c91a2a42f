package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The picture in the README is what the committed results give; the command that
// draws it again stands in its second line.
func TestTheOverviewInTheReadmeIsDrawnFromItsFiles(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	picture, err := os.ReadFile(filepath.Join(root, "docs", "img", "queue.svg"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(picture), "-overview ")
	list, _, found := strings.Cut(after, " -->")
	if !found {
		t.Fatal("it does not say from what it was drawn")
	}
	t.Chdir(root)
	var drawn bytes.Buffer
	if err := overview(&drawn, strings.Fields(list)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(drawn.Bytes(), picture) {
		t.Errorf("it is another one; draw it again:\n  go run ./bench/cmd/compare -overview %s > docs/img/queue.svg", list)
	}
}

// So are the rows of the page's tables.
func TestTheTablesOfThePageAreThoseOfItsFiles(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", ".."))
	text, err := os.ReadFile(filepath.Join("docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "-tables ")
	list, _, found := strings.Cut(after, "#")
	if !found {
		t.Fatal("the page does not say from what its tables are")
	}
	var printed strings.Builder
	if err := tables(&printed, strings.Fields(strings.ReplaceAll(list, "\\", ""))); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(string(text), "\n")
	for line := range strings.Lines(printed.String()) {
		line = strings.TrimSpace(line)
		_, numbers, _ := strings.Cut(line, " | ")
		if isRow := strings.ContainsAny(numbers, "0123456789"); isRow && !slices.Contains(rows, line) {
			t.Errorf("the page does not have the row\n%s", line)
		}
	}
}

func TestAnOverviewIsRefusedRatherThanHalfDrawn(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.json")
	if err := os.WriteFile(empty, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, files := range [][]string{nil, {empty}, {"no-such-file.json"}} {
		var drawn bytes.Buffer
		if err := overview(&drawn, files); err == nil || drawn.Len() > 0 {
			t.Errorf("%q: %v, %d bytes", files, err, drawn.Len())
		}
	}
}
