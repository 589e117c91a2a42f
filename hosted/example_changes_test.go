package hosted_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/steadgo/stead/hosted"
)

// The last states of a service that has failed say when and why it was restarted.
func ExampleStateChange() {
	host := hosted.New(hosted.Config{})
	host.Go("feed", func(context.Context) error { return errors.New("connection reset") })
	_ = host.Run(context.Background()) // ends, as the service fails
	for _, change := range host.Services()[0].Changes {
		fmt.Println(change.State, change.Err)
	}
	// Output:
	// running <nil>
	// failed connection reset
}
