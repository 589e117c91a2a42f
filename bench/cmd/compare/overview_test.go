package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The pictures are what the committed results give; the command that draws one again
// stands in its second line.
func TestTheOverviewInTheReadmeIsDrawnFromItsFiles(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", ".."))
	pictures, err := filepath.Glob(filepath.Join("docs", "img", "queue-*.svg"))
	if err != nil || len(pictures) == 0 {
		t.Fatal("there is none", err)
	}
	for _, file := range pictures {
		picture, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(picture), "-overview ")
		dir, _, found := strings.Cut(after, " -->")
		if !found {
			t.Fatalf("%s does not say from what it was drawn", file)
		}
		var drawn bytes.Buffer
		if err := overview(&drawn, []string{dir}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(drawn.Bytes(), picture) {
			t.Errorf("it is another one; draw it again:\n  go run ./bench/cmd/compare -overview %s > %s", dir, file)
		}
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
	if err := tables(&printed, strings.Fields(list)); err != nil {
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
	empty, nothing := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "empty.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dirs := range [][]string{nil, {empty}, {nothing}} {
		var drawn bytes.Buffer
		if err := overview(&drawn, dirs); err == nil || drawn.Len() > 0 {
			t.Errorf("%q: %v, %d bytes", dirs, err, drawn.Len())
		}
	}
}
