// Command oss tries the calls of aliyun-oss-go-sdk, version 1 of the Go SDK.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"clients/calls"
)

const (
	name = "feed-reference"
	here = "clients/oss-go/"
)

var body = strings.Repeat("abc", 1000)

func main() {
	client := calls.New("aliyun-oss-go-sdk", "github.com/aliyun/aliyun-oss-go-sdk")
	service, bucket, err := open(oss.AuthVersion(oss.AuthV4), oss.Region(calls.At("OSS_REGION")))
	_, older, errOlder := open(oss.AuthVersion(oss.AuthV1))
	if err != nil || errOlder != nil {
		fmt.Fprintln(os.Stderr, err, errOlder)
		os.Exit(1)
	}
	objects(client, bucket)
	client.Call("signature V1", func() error { return roundTrip(older, here+"v 1") })
	lists(client, bucket)
	client.Call("DeleteObject", func() error { return bucket.DeleteObject(here + "a") })
	refusals(client, service, bucket)
}

func open(settings ...oss.ClientOption) (*oss.Client, *oss.Bucket, error) {
	client, err := oss.New(calls.At("OSS"), calls.At("ACCESS_KEY_ID"), calls.At("ACCESS_KEY_SECRET"), settings...)
	if err != nil {
		return nil, nil, err
	}
	bucket, err := client.Bucket(name)
	return client, bucket, err
}

func objects(client *calls.Client, bucket *oss.Bucket) {
	client.First("PutObject", func() error { return bucket.PutObject(here+"a", strings.NewReader(body)) })
	client.Call("GetObject", func() error { return reads(bucket, here+"a", body) })
	client.Call("GetObject, range", func() error { return reads(bucket, here+"a", "abcabc", oss.Range(3, 8)) })
	client.Call("GetObjectMeta", func() error {
		header, err := bucket.GetObjectMeta(here + "a")
		return errorOr(err, func() error { return calls.Equal(header.Get("Content-Length"), "3000") })
	})
	client.Call("GetObjectDetailedMeta", func() error {
		header, err := bucket.GetObjectDetailedMeta(here + "a")
		return errorOr(err, func() error { return calls.Equal(header.Get("Content-Length"), "3000") })
	})
	client.Call("IsObjectExist", func() error {
		exists, err := bucket.IsObjectExist(here + "a")
		return errorOr(err, func() error { return calls.Equal(exists, true) })
	})
	client.Call("IfNoneMatch", func() error {
		header, err := bucket.GetObjectMeta(here + "a")
		if err != nil {
			return err
		}
		_, err = bucket.GetObject(here+"a", oss.IfNoneMatch(header.Get("Etag")))
		return calls.Refused(err, "304")
	})
	client.Call("ForbidOverWrite", func() error {
		err := bucket.PutObject(here+"a", strings.NewReader(""), oss.ForbidOverWrite(true))
		return calls.Refused(err, "FileAlreadyExists")
	})
	client.Call("a key with a blank", func() error {
		return roundTrip(bucket, here+"p/a b+ü%.txt")
	})
}

func lists(client *calls.Client, bucket *oss.Bucket) {
	client.Call("ListObjectsV2", func() error {
		list, err := bucket.ListObjectsV2(oss.Prefix(here))
		return errorOr(err, func() error { return calls.Equal(len(list.Objects), 1) })
	})
	client.Call("ListObjects", func() error {
		list, err := bucket.ListObjects(oss.Prefix(here))
		return errorOr(err, func() error { return calls.Equal(len(list.Objects), 1) })
	})
}

func refusals(client *calls.Client, service *oss.Client, bucket *oss.Bucket) {
	client.Call("ListBuckets", func() error {
		_, err := service.ListBuckets()
		return err
	})
	client.Call("CopyObject", func() error {
		_, err := bucket.CopyObject(here+"a", here+"copy")
		return err
	})
	client.Call("AppendObject", func() error {
		_, err := bucket.AppendObject(here+"append", strings.NewReader("a"), 0)
		return err
	})
	client.Call("InitiateMultipartUpload", func() error {
		_, err := bucket.InitiateMultipartUpload(here + "parts")
		return err
	})
	client.Call("DeleteObjects", func() error {
		_, err := bucket.DeleteObjects([]string{here + "x"})
		return err
	})
	client.Call("SetObjectACL", func() error { return bucket.SetObjectACL(here+"a", oss.ACLPrivate) })
	client.Call("PutSymlink", func() error { return bucket.PutSymlink(here+"link", here+"a") })
	client.Call("GetObjectTagging", func() error {
		_, err := bucket.GetObjectTagging(here + "a")
		return err
	})
	client.Call("CreateBucket", func() error { return service.CreateBucket("clients-bucket") })
	client.Call("GetBucketStat", func() error {
		_, err := service.GetBucketStat(name)
		return err
	})
	client.Call("SignURL", func() error {
		url, err := bucket.SignURL(here+"a", oss.HTTPGet, 60)
		if err != nil {
			return err
		}
		return calls.Get(url)
	})
}

// roundTrip puts, lists, reads and deletes an object.
func roundTrip(bucket *oss.Bucket, key string) error {
	if err := bucket.PutObject(key, strings.NewReader(body)); err != nil {
		return err
	}
	list, err := bucket.ListObjectsV2(oss.Prefix(key[:len(key)-1]))
	if err != nil {
		return err
	}
	if len(list.Objects) != 1 || list.Objects[0].Key != key {
		return calls.Equal(list.Objects, key)
	}
	if err := reads(bucket, key, body); err != nil {
		return err
	}
	return bucket.DeleteObject(key)
}

func reads(bucket *oss.Bucket, key, want string, more ...oss.Option) error {
	object, err := bucket.GetObject(key, more...)
	if err != nil {
		return err
	}
	defer object.Close()
	got, err := io.ReadAll(object)
	return errorOr(err, func() error { return calls.Equal(string(got), want) })
}

func errorOr(err error, check func() error) error {
	if err != nil {
		return err
	}
	return check()
}
