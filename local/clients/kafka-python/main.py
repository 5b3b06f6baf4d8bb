import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from calls import Client, at, equal

client = Client("kafka-python", kafka.__version__)
admin = None
topic = "clients-kafka-python"


def connect():
    global admin
    admin = KafkaAdminClient(bootstrap_servers=at("KAFKA"))


def produce(compression):
    def run():
        producer = KafkaProducer(bootstrap_servers=at("KAFKA"), compression_type=compression)
        for pending in [producer.send(topic, key=b"k%d" % i, value=b"v%d" % i) for i in range(100)]:
            pending.get(timeout=20)
        producer.close()

    return run


def consume():
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=at("KAFKA"),
        group_id="clients-kafka-python",
        auto_offset_reset="earliest",
        consumer_timeout_ms=20000,
    )
    got = 0
    for _ in consumer:
        got += 1
        if got == 200:
            break
    consumer.close()
    equal(got, 200)


client.first("connect", connect)
client.calls(
    {
        "create_topics": lambda: admin.create_topics([NewTopic(topic, 2, 1)]),
        "list_topics": lambda: equal(topic in admin.list_topics(), True),
        "describe_topics": lambda: equal(len(admin.describe_topics([topic])[0]["partitions"]), 2),
        "describe_cluster": lambda: equal(len(admin.describe_cluster()["brokers"]) >= 1, True),
        "produce": produce(None),
        "produce gzip": produce("gzip"),
        "consumer group": consume,
        "list_groups": lambda: equal("clients-kafka-python" in str(admin.list_groups()), True),
        "describe_groups": lambda: equal(
            "clients-kafka-python" in str(admin.describe_groups(["clients-kafka-python"])), True
        ),
        "delete_topics": lambda: admin.delete_topics([topic]),
    }
)
