package nils_test

import (
	"io"
	"os"
	"testing"

	"github.com/steadgo/stead/internal/nils"
)

func TestNilIsFoundBehindAnInterface(t *testing.T) {
	var file io.Reader = (*os.File)(nil)
	for _, v := range []any{nil, file, (func())(nil), map[int]int(nil), []int(nil), (chan int)(nil)} {
		if !nils.Is(v) {
			t.Errorf("%T is not nil", v)
		}
	}
	for _, v := range []any{0, "", struct{}{}, new(int), func() {}, []int{}} {
		if nils.Is(v) {
			t.Errorf("%T is nil", v)
		}
	}
}
