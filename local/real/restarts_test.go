//go:build real

package real

import (
	"errors"
	"testing"
)

func (j *judge) testRestart(t *testing.T, h *HBase) {
	h.Kill()
	if err := h.Start(patient(t)); err != nil {
		t.Fatal(err)
	}
	j.write(t, events(500, 20))
	j.agrees(t)
}

// testMoves writes after every region went to the other server, and after some were split.
func (j *judge) testMoves(t *testing.T) {
	for _, move := range []func() error{
		func() error { return errors.Join(j.SQL.Move(table), j.SQL.Move(index)) },
		func() error { return errors.Join(j.SQL.Split(table, "192.168.2.3"), j.SQL.Split(index, "2315")) },
	} {
		if err := move(); err != nil {
			t.Fatal(err)
		}
		j.write(t, events(500, 30))
		j.agrees(t)
	}
}
