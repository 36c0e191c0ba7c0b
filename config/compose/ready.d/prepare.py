"""What LocalStack runs once its services answer: the queue with its dead-letter queue, an alert topic, the secrets, and
messages to drain. See docker-compose.yml.

It is executed without a file name or a module name, and its failure shows as an unhealthy container.
"""

import json
import os
import secrets

import boto3

ENDPOINT = os.environ.get("PREPARE_ENDPOINT", "http://127.0.0.1:4566")
MESSAGES = os.environ.get("PREPARE_MESSAGES", "/opt/peppermill/messages.txt")


def client(service):
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def make_queue(sqs):
    """The queue's URL. After five deliveries that nobody deletes, a message moves to the dead-letter queue."""
    dead_letters = sqs.create_queue(QueueName="logins-dead-letters")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])["Attributes"]
    redrive = {"deadLetterTargetArn": attributes["QueueArn"], "maxReceiveCount": 5}
    return sqs.create_queue(QueueName="logins", Attributes={"RedrivePolicy": json.dumps(redrive)})["QueueUrl"]


def make_secrets(manager):
    """The mask key, new in every container, and the database in the form that Amazon RDS writes."""
    manager.create_secret(Name="peppermill/mask-key", SecretString=json.dumps({"key": secrets.token_hex(32)}))
    database = {
        "engine": "postgres",
        "host": "127.0.0.1",
        "port": int(os.environ["DATABASE_PORT"]),
        "username": os.environ["POSTGRES_USER"],
        "password": os.environ["POSTGRES_PASSWORD"],
        "dbname": os.environ["POSTGRES_DB"],
    }
    manager.create_secret(Name="peppermill/database", SecretString=json.dumps(database))


def send_messages(sqs, queue, path):
    """A line of the file is a message body. SQS takes ten at a time."""
    with open(path, encoding="utf-8") as file:
        bodies = file.read().splitlines()
    for start in range(0, len(bodies), 10):
        batch = enumerate(bodies[start : start + 10])
        entries = [{"Id": str(index), "MessageBody": body} for index, body in batch]
        failed = sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed", [])
        if failed:
            raise RuntimeError(f"{len(failed)} messages were not accepted: {failed[0]['Code']}")
    return len(bodies)


sqs = client("sqs")
queue = make_queue(sqs)
client("sns").create_topic(Name="peppermill-alerts")
make_secrets(client("secretsmanager"))
print(f"peppermill: {send_messages(sqs, queue, MESSAGES)} messages wait in {queue}")
