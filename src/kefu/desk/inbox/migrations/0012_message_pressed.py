from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inbox", "0011_intents_known")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="pressed",
            field=models.CharField(blank=True, default="", max_length=500),
        ),
    ]
