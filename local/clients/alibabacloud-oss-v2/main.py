import os
import tempfile

import alibabacloud_oss_v2 as oss

from calls import Client, at, equal

client = Client("alibabacloud-oss-v2", oss.__version__)
cfg = oss.config.load_default()
cfg.credentials_provider = oss.credentials.StaticCredentialsProvider(at("ACCESS_KEY_ID"), at("ACCESS_KEY_SECRET"))
cfg.region, cfg.endpoint, cfg.use_path_style, cfg.retry_max_attempts = at("OSS_REGION"), at("OSS"), True, 1
sdk = oss.Client(cfg)
cfg.signature_version = "v1"
older = oss.Client(cfg)
name = "feed-reference"
body = b"abc" * 1000
here = "clients/oss-v2/"


def get(key, sdk=sdk, **more):
    return sdk.get_object(oss.GetObjectRequest(bucket=name, key=key, **more)).body.read()


def put(key, body, sdk=sdk):
    equal(sdk.put_object(oss.PutObjectRequest(bucket=name, key=key, body=body)).status_code, 200)


def delete(key):
    sdk.delete_object(oss.DeleteObjectRequest(bucket=name, key=key))


def listed(prefix):
    return [o.key for o in sdk.list_objects_v2(oss.ListObjectsV2Request(bucket=name, prefix=prefix)).contents or []]


def pages():
    paginator = sdk.list_objects_v2_paginator(limit=1)
    keys = [
        o.key
        for page in paginator.iter_page(oss.ListObjectsV2Request(bucket=name, prefix=here))
        for o in page.contents or []
    ]
    equal(keys, [here + "a", here + "b"])


def blank():
    key = here + "p/a b+ü%.txt"
    put(key, b"blank")
    equal(listed(here + "p/"), [key])
    equal(get(key), b"blank")
    delete(key)


def signature_v1():
    put(here + "v 1", body, older)
    equal(get(here + "v 1", older), body)
    delete(here + "v 1")


def transfer():
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "source"), os.path.join(folder, "target")
        with open(source, "wb") as file:
            file.write(body)
        sdk.uploader().upload_file(oss.PutObjectRequest(bucket=name, key=here + "file"), source)
        sdk.downloader(part_size=1024, parallel_num=2).download_file(
            oss.GetObjectRequest(bucket=name, key=here + "file"), target
        )
        with open(target, "rb") as file:
            equal(file.read(), body)
    delete(here + "file")


def on(kind, call, **more):
    """A call about an object."""
    return lambda: call(kind(bucket=name, key=here + "a", **more))


client.first("put_object", lambda: [put(here + "a", body), put(here + "b", b"b")])
client.calls(
    {
        "get_object": lambda: equal(get(here + "a"), body),
        "get_object, range": lambda: equal(get(here + "a", range_header="bytes=3-8"), b"abcabc"),
        "head_object": lambda: equal(
            sdk.head_object(oss.HeadObjectRequest(bucket=name, key=here + "a")).content_length, len(body)
        ),
        "get_object_meta": lambda: equal(
            sdk.get_object_meta(oss.GetObjectMetaRequest(bucket=name, key=here + "a")).content_length, len(body)
        ),
        "is_object_exist": lambda: equal(
            (sdk.is_object_exist(name, here + "a"), sdk.is_object_exist(name, here + "c")), (True, False)
        ),
        "list_objects_v2": lambda: equal(listed(here), [here + "a", here + "b"]),
        "list_objects_v2_paginator": pages,
        "uploader, downloader": transfer,
        "a key with a blank": blank,
        "signature V1": signature_v1,
        "delete_object": lambda: delete(here + "b"),
        "get_bucket_info": lambda: equal(
            sdk.get_bucket_info(oss.GetBucketInfoRequest(bucket=name)).bucket_info.name, name
        ),
        "list_buckets": lambda: equal([b.name for b in sdk.list_buckets(oss.ListBucketsRequest()).buckets], [name]),
        "list_objects": lambda: sdk.list_objects(oss.ListObjectsRequest(bucket=name)),
        "copy_object": on(oss.CopyObjectRequest, sdk.copy_object, source_key=here + "a"),
        "append_object": on(oss.AppendObjectRequest, sdk.append_object, position=0, body=b"a"),
        "initiate_multipart_upload": on(oss.InitiateMultipartUploadRequest, sdk.initiate_multipart_upload),
        "delete_multiple_objects": lambda: sdk.delete_multiple_objects(
            oss.DeleteMultipleObjectsRequest(bucket=name, objects=[oss.DeleteObject(key=here + "x")])
        ),
        "get_bucket_stat": lambda: sdk.get_bucket_stat(oss.GetBucketStatRequest(bucket=name)),
        "put_bucket": lambda: sdk.put_bucket(oss.PutBucketRequest(bucket="clients-bucket")),
        "get_object_tagging": on(oss.GetObjectTaggingRequest, sdk.get_object_tagging),
    }
)
