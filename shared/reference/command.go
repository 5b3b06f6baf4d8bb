package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Actions of a Command.
const (
	ActionRefresh  = "refresh"
	ActionPin      = "pin"
	ActionUnpin    = "unpin"
	ActionRollback = "rollback"
)

// Command is what feed-refresh is asked to do. Whatever moves the manifest goes through that one
// function, of which one instance runs at a time: object stores cannot compare and swap.
type Command struct {
	Action string `json:"action"`
	// Version is the one to pin or to roll back to; a rollback without it goes to the previous one.
	Version string `json:"version,omitempty"`
	// AcceptShrink and AcceptPrices have a refresh or an unpin pass over REFERENCE_MAX_SHRINK and
	// REFERENCE_MAX_PRICE_CHANGE, this once.
	AcceptShrink bool `json:"acceptShrink,omitempty"`
	AcceptPrices bool `json:"acceptPrices,omitempty"`
}

// Outcome is what feed-refresh answers and logs when it has done so.
type Outcome struct {
	Action   string `json:"action"`
	Version  string `json:"version"`
	Revision int64  `json:"revision"`
	Changed  bool   `json:"changed"` // the version is another than before
	Pinned   bool   `json:"pinned"`  // it is pinned: refreshes leave it alone
	Entries  int    `json:"entries"`
	Report   Report `json:"report"` // what was read from the source
	Deleted  int    `json:"deletedSnapshots"`
	// Mended is what was found damaged in the store and is replaced now.
	Mended []string `json:"mended,omitempty"`
	// Refusal is why the source would be refused if the version were not pinned.
	Refusal string `json:"refusal,omitempty"`
}

// ParseCommand reads a command: nothing or the word refresh, as the payload of a time trigger has it, or
// a JSON object.
func ParseCommand(text string) (Command, error) {
	if text == "" || text == ActionRefresh {
		return Command{Action: ActionRefresh}, nil
	}
	var c Command
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&c)
	if err == nil && decoder.More() {
		err = errors.New("something follows the object")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it is cut off")
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return Command{}, fmt.Errorf("read the command %.200q: %w: write refresh, or an object such as "+
			`{"action":"pin","version":"20261124T120000Z-0123abcd"}`, text, err)
	}
	return c, nil
}

func (c Command) check() error {
	switch c.Action {
	case ActionRefresh, ActionUnpin:
		if c.Version != "" {
			return fmt.Errorf("%s takes no version, for it reads the source", c.Action)
		}
	case ActionPin, ActionRollback:
		if c.AcceptShrink || c.AcceptPrices {
			return fmt.Errorf("%s reads no source, so there is nothing to accept", c.Action)
		}
		if c.Action == ActionPin && c.Version == "" {
			return errors.New("pin needs a version")
		}
	default:
		return fmt.Errorf("the action %q is unknown, there are %s, %s, %s and %s", c.Action,
			ActionRefresh, ActionPin, ActionUnpin, ActionRollback)
	}
	return nil
}
