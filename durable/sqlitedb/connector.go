package sqlitedb

import (
	"context"
	"database/sql/driver"
)

// connector opens a name with a driver, as sql.Open does with one that is registered.
type connector struct {
	driver driver.Driver
	name   string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.name) }
func (c connector) Driver() driver.Driver                        { return c.driver }
