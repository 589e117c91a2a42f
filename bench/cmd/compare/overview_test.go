package main

import (
	"bytes"
	"os"
	"path/filepath"
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
