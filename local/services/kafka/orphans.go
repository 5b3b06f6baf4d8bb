package kafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
)

// removeOrphans deletes the segments of partitions that no topic claims. A topic's entry is what
// makes it exist, its segments are not; were the topic created again, the broker would append to
// segments it finds, and hand out the old records beside the new ones.
func removeOrphans(dir string, log *slog.Logger) error {
	partitions := filepath.Join(dir, "partitions")
	found, err := os.ReadDir(partitions)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(found) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("kafka: list the partitions: %w", err)
	}
	claimed, err := claimedPartitions(filepath.Join(dir, "topics.json"))
	if err != nil {
		return err
	}
	for _, entry := range found {
		if claimed[entry.Name()] {
			continue
		}
		log.Warn("remove the segments of a partition that no topic claims", "partition", entry.Name())
		if err := os.RemoveAll(filepath.Join(partitions, entry.Name())); err != nil {
			return fmt.Errorf("kafka: remove an orphan partition: %w", err)
		}
	}
	return nil
}

// claimedPartitions returns the directory names of the partitions of every topic in the list. A list
// that is absent or unreadable beside partitions is an error, never a reason to delete them all.
func claimedPartitions(list string) (map[string]bool, error) {
	data, err := os.ReadFile(list)
	if err != nil {
		return nil, fmt.Errorf("kafka: partitions without a list of topics: restore it or empty the directory: %w", err)
	}
	var topics struct {
		Topics []struct {
			Name       string `json:"name"`
			Partitions int    `json:"partitions"`
		} `json:"topics"`
	}
	if err := json.Unmarshal(data, &topics); err != nil {
		return nil, fmt.Errorf("kafka: read the list of topics %s: %w", list, err)
	}
	claimed := make(map[string]bool)
	for _, t := range topics.Topics {
		for p := range t.Partitions {
			claimed[fmt.Sprintf("%s-%d", url.PathEscape(t.Name), p)] = true
		}
	}
	return claimed, nil
}
