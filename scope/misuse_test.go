package scope_test

import (
	"context"
	"strings"
	"testing"

	"github.com/steadgo/stead/scope"
)

func TestAFunctionThatIsNilIsAnErrorOfTheFirstUseAndOpensNothing(t *testing.T) {
	var open scope.Open[int] = func(context.Context) (int, func(error) error, error) {
		t.Error("it was opened")
		return 0, nil, nil
	}
	for name, use := range map[string]func() error{
		"Handler without open": func() error {
			return scope.Handler(nil, func(context.Context, int, int) error { return nil })(t.Context(), 1)
		},
		"Handler": func() error { return scope.Handler[int, int](open, nil)(t.Context(), 1) },
		"Run without open": func() error {
			return scope.Run(nil, func(context.Context, int) error { return nil })(t.Context())
		},
		"Run": func() error { return scope.Run(open, nil)(t.Context()) },
		"Tx":  func() error { _, _, err := scope.Tx(nil, nil)(t.Context()); return err },
	} {
		if err := use(); err == nil || !strings.Contains(err.Error(), "is nil") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
